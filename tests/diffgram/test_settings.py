"""Which server, project and key: from options, the environment or a file; never a word of the secret."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from boxferry.diffgram.profiles import profile_names, settings_in, write_settings
from boxferry.diffgram.secret import store_in_keyring
from boxferry.diffgram.settings import Credentials, only_profile, server_from_env
from boxferry.errors import ConfigError
from diffgram.peers import SECRET, a_server

ENVIRON = {
    "DIFFGRAM_HOST": "https://env.example",
    "DIFFGRAM_PROJECT": "p",
    "DIFFGRAM_CLIENT_ID": "i",
    "DIFFGRAM_CLIENT_SECRET": SECRET,
}


@pytest.fixture
def config(tmp_path):
    """Write a configuration file; gives the environment that names it."""

    def write(text, mode=0o600, name="config.toml", **environ):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return {"DIFFGRAM_CONFIG": str(path)} | environ

    return write


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:1", "http://LOCALHOST:1"),
        ("http://[::1]:5", "http://[::1]:5"),
        ("https://x.example/base//", "https://x.example/base"),
        (" https://x.example ", "https://x.example"),
    ],
)
def test_hosts_that_are_taken(host, kept):
    """https anywhere, http on this machine; the slash at the end goes, a path stays."""
    assert a_server(host).host == kept


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("http://x.example", "credentials would travel unencrypted; use https, or pass --insecure"),
        ("http://localhost.evil.example", "--insecure"),
        ("http://127.0.0.1.evil.example", "--insecure"),
        ("http://0.0.0.0", "--insecure"),
        ("x.example", "expected a URL, as in https://diffgram.example.com; https:// is missing"),
        ("localhost:8085", "https:// is missing"),
        ("ftp://x", "expected a URL"),
        ("https://", "expected a URL"),
        ("", "expected a URL"),
        ("https://x.example/?a=1", "expected a URL"),
        ("https://x.example#a", "expected a URL"),
        ("https://x y", "expected a URL"),
        ("https://x:port", "expected a URL"),
        ("https://[::1", "expected a URL"),
        (f"https://a:{SECRET}@x.example", "must not hold credentials"),
        (f"ftp://a:{SECRET}@x.example", "must not hold credentials"),
        (f"a:{SECRET}@x.example", "must not hold credentials"),
    ],
)
def test_hosts_that_are_refused(host, words):
    """In one line with the remedy, which repeats no password."""
    with pytest.raises(ConfigError) as error:
        a_server(host)
    assert words in str(error.value)
    assert SECRET not in str(error.value)


def test_plain_http_to_another_machine_has_to_be_asked_for():
    """With insecure."""
    assert a_server("http://x.example", insecure=True).host == "http://x.example"
    assert server_from_env(ENVIRON, host="http://x.example", insecure=True).insecure


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": ""}, "DIFFGRAM_CLIENT_SECRET: is empty"),
        ({"client_secret": "hünter"}, "DIFFGRAM_CLIENT_SECRET: has blanks or characters beyond ASCII"),
        ({"client_secret": "hunter\n"}, "DIFFGRAM_CLIENT_SECRET: has blanks"),
        ({"client_id": "LIVE__…"}, "DIFFGRAM_CLIENT_ID: has blanks or characters beyond ASCII"),
        ({"client_id": "a:b"}, "DIFFGRAM_CLIENT_ID: contains a colon"),
    ],
    ids=["empty", "umlaut", "line-end", "ellipsis", "pair"],
)
def test_a_key_that_was_not_copied_whole_is_said_without_showing_it(changes, words):
    """Such a key would only be answered 403."""
    given = {"client_id": "i", "client_secret": "s"} | changes
    with pytest.raises(ConfigError) as error:
        Credentials(**given)
    assert words in str(error.value)
    assert "hunter" not in str(error.value)


def test_neither_part_of_a_key_is_shown():
    """In no repr."""
    shown = repr(a_server("https://x.example")) + str(Credentials("LIVE__id", SECRET))
    assert SECRET not in shown
    assert "LIVE__id" not in shown


def test_a_project_has_a_name():
    """An empty one is refused."""
    with pytest.raises(ConfigError, match="project"):
        a_server("https://x.example", project=" ")


def test_an_option_goes_before_the_environment_and_that_before_the_file(config):
    """Each setting on its own."""
    environ = config('[diffgram]\nhost = "https://file.example"\nproject = "filed"\nclient_secret = "s"\n', **ENVIRON)
    assert server_from_env(environ, host="https://option.example").host == "https://option.example"
    assert server_from_env(environ, project="given").project == "given"
    assert server_from_env(environ).host == "https://env.example"
    assert server_from_env(environ).credentials.client_secret == SECRET
    del environ["DIFFGRAM_HOST"]
    assert server_from_env(environ).host == "https://file.example"


def test_the_file_is_looked_for_in_the_users_configuration(monkeypatch, tmp_path):
    """Unless DIFFGRAM_CONFIG names another."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    (tmp_path / "boxferry").mkdir()
    (tmp_path / "boxferry" / "config.toml").write_text('[diffgram]\nproject = "filed"\n')
    environ = {name: value for name, value in ENVIRON.items() if name != "DIFFGRAM_PROJECT"}
    assert server_from_env(environ).project == "filed"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660], ids=oct)
def test_a_file_that_others_can_read_must_hold_no_secret(config, mode):
    """The line to mend it is given, quoted for the shell; without a secret it may be read."""
    environ = config('[diffgram]\nclient_secret = "s"\n', mode, "my config.toml", **ENVIRON)
    with pytest.raises(ConfigError, match=f"chmod 600 '{environ['DIFFGRAM_CONFIG']}'"):
        server_from_env(environ)
    server_from_env(config('[diffgram]\nproject = "p"\n', mode, **ENVIRON))


@pytest.mark.parametrize(
    "text",
    [
        "[diffgram",
        "[diffgram]\nhost = 5\n",
        '[diffgram]\nhosst = "x"\n',
        "diffgram = 5\n",
        '[diffgram]\nhost = "\\ud800"',
    ],
    ids=["cut-off", "number", "misspelt", "no-table", "no-text"],
)
def test_a_file_that_is_wrong_is_one_clear_line(config, text):
    """With its path."""
    environ = config(text, **ENVIRON)
    with pytest.raises(ConfigError) as error:
        server_from_env(environ)
    assert str(error.value).startswith(environ["DIFFGRAM_CONFIG"])
    assert "\n" not in str(error.value)


def test_every_missing_setting_is_named(tmp_path):
    """At once, by option and variable, and the file that could hold it."""
    path = tmp_path / "none"
    with pytest.raises(ConfigError) as error:
        server_from_env({"DIFFGRAM_CONFIG": str(path), "DIFFGRAM_HOST": "https://x.example"})
    assert str(error.value) == (
        "missing settings: --project or DIFFGRAM_PROJECT, DIFFGRAM_CLIENT_ID, DIFFGRAM_CLIENT_SECRET;"
        f" run boxferry init, or write them under [diffgram] in {path}"
    )


PROFILES = """\
# the sandbox
[diffgram]
host = "https://file.example"
project = "filed"

# the real one
[profiles.production]
host = "https://prod.example"
client_id = "prod"
client_secret = "hush"
"""


def test_a_profile_that_is_named_overrides_the_environment(config):
    """As an option; DIFFGRAM_PROFILE chooses one that the environment overrides; what it lacks comes from there."""
    environ = config(PROFILES, **ENVIRON)
    server = server_from_env(environ, profile="production")
    assert (server.host, server.project) == ("https://prod.example", "p")
    assert server.credentials == Credentials("prod", "hush")
    assert server_from_env(environ | {"DIFFGRAM_PROFILE": "production"}).host == "https://env.example"
    del environ["DIFFGRAM_HOST"]
    assert server_from_env(environ | {"DIFFGRAM_PROFILE": "production"}).host == "https://prod.example"
    assert server_from_env(environ, profile="default").host == "https://file.example"


def test_a_profile_that_is_not_there_is_named_with_those_that_are(config):
    """And the nearest."""
    with pytest.raises(ConfigError, match="there are: default, production; did you mean 'production'"):
        server_from_env(config(PROFILES, **ENVIRON), profile="prodction")
    with pytest.raises(ConfigError, match="boxferry init --profile x makes it"):
        server_from_env(config(PROFILES, **ENVIRON), profile="x")


def test_a_secret_can_stand_in_a_file_of_its_own(config, tmp_path):
    """As containers mount them; named by the environment or by a profile; blanks around it do not count."""
    (tmp_path / "secret").write_text("mounted\n")
    environ = config("", **ENVIRON)
    del environ["DIFFGRAM_CLIENT_SECRET"]
    environ["DIFFGRAM_CLIENT_SECRET_FILE"] = str(tmp_path / "secret")
    assert server_from_env(environ).credentials.client_secret == "mounted"
    filed = config(f"[profiles.a]\nclient_secret_file = '{tmp_path}/secret'\n", **ENVIRON)
    assert server_from_env(filed, profile="a").credentials.client_secret == "mounted"
    (tmp_path / "secret").write_text(" ")
    with pytest.raises(ConfigError, match=r"DIFFGRAM_CLIENT_SECRET_FILE: .* is empty"):
        server_from_env(environ)
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigError, match=r"DIFFGRAM_CLIENT_SECRET_FILE: .*No such file"):
        server_from_env(environ)


class Keyring(ModuleType):
    """A keyring in memory, with the errors of the real one."""

    KeyringError = type("KeyringError", (Exception,), {})

    def __init__(self):
        super().__init__("keyring")
        self.held, self.errors = {}, self

    def get_password(self, service, name):
        return self.held.get((service, name))

    def set_password(self, service, name, secret):
        self.held[service, name] = secret


def test_a_secret_can_stand_in_the_systems_keyring(config, monkeypatch):
    """Under the host and the key's id; one that is not there is said with the command that stores it."""
    keyring = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", keyring)
    store_in_keyring("https://k.example/", "i", "kept")
    environ = config('[profiles.k]\nhost = "https://k.example"\nclient_id = "i"\nkeyring = true\n', **ENVIRON)
    assert server_from_env(environ, profile="k").credentials == Credentials("i", "kept")
    keyring.held.clear()
    with pytest.raises(ConfigError, match="boxferry init"):
        server_from_env(environ, profile="k")
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[keyring\]'"):
        server_from_env(environ, profile="k")


def test_a_profile_is_written_and_the_rest_of_the_file_stays(config):
    """With its comments; the file is its owner's alone."""
    environ = config(PROFILES)
    path = Path(environ["DIFFGRAM_CONFIG"])
    write_settings(path, "new-one", {"host": "https://n.example", "project": 'quo"ted', "keyring": True})
    write_settings(path, None, {"host": "https://again.example"})
    text = path.read_text()
    assert '# the sandbox\n[diffgram]\nhost = "https://again.example"\n\n# the real one\n[profiles.' in text
    assert profile_names(environ) == ["default", "production", "new-one"]
    assert settings_in(path, "new-one") == {"host": "https://n.example", "project": 'quo"ted', "keyring": True}
    assert settings_in(path, "production")["client_secret"] == "hush"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["a b", "a.b", "", "default", "é"])
def test_a_profiles_name_is_a_plain_word(config, name):
    """Nothing is written else."""
    path = Path(config(PROFILES)["DIFFGRAM_CONFIG"])
    with pytest.raises(ConfigError, match="profile"):
        write_settings(path, name, {"host": "x"})
    assert path.read_text() == PROFILES


ONE = '[profiles.lab]\nhost = "https://lab.example"\nproject = "p"\nclient_id = "i"\nclient_secret = "s"\n'


def test_the_only_profile_is_used_though_none_is_named(config):
    """But neither beside [diffgram], nor where the environment or an option names a server of its own."""
    environ = config(ONE)
    assert server_from_env(environ).host == "https://lab.example"
    assert only_profile(environ, host="https://lab.example") == "lab"
    assert only_profile(environ, host="https://other.example") is None
    assert only_profile({**environ, "DIFFGRAM_HOST": "https://other.example"}) is None
    assert only_profile(config(PROFILES)) is None
    assert only_profile(config('[diffgram]\nhost = "https://n.example"\n')) is None


def test_of_several_profiles_one_has_to_be_chosen(config):
    """One line has their names, and how."""
    environ = config(ONE + ONE.replace("lab", "shop"))
    with pytest.raises(ConfigError, match=r"choose a profile of .* with --profile or DIFFGRAM_PROFILE: lab, shop$"):
        server_from_env(environ)
