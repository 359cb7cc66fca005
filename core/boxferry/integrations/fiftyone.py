"""FiftyOne: an annotation backend, so that `annotate` and `load_annotations` of a data set work against Diffgram."""

from __future__ import annotations

import logging
import time
from types import NoneType
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import WANTED, Code
from boxferry.errors import ConfigError, StillProcessing, UsageError
from boxferry.integrations.label_ids import decided
from boxferry.option_checks import check_type, did_you_mean
from boxferry.plan.attributes import AttributeWish
from boxferry.plan.push_options import given_options
from boxferry.project import Diffgram
from boxferry.remote.urls import shown

try:
    import fiftyone as fo
    import fiftyone.utils.annotations as foua

    from boxferry.integrations.fiftyone_labels import corrected_labels, flat_classes, gathered, labels_of
    from boxferry.integrations.fiftyone_results import DiffgramResults, place_of_run
except ImportError as error:
    raise UsageError(f"FiftyOne is not installed ({error}); pip install '.[fiftyone]'") from None

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from boxferry.deliver.report import PushResult
    from boxferry.integrations.fiftyone_labels import Gathered
    from boxferry.integrations.reviewed_images import ReviewedImages
    from boxferry.plan.push_options import PushOptions

NAME = "diffgram"
SETTINGS = ("host", "project", "profile", "outbox")  #: of this machine: never stored with a run
OPTIONS = (
    "attribute_policy", "blob_path", "bucket", "connection", "create_directory", "existing", "labels", "media_url",
    "on_existing", "replaces", "replace_completed", "resend_missing", "ask_again", "same_iou", "schema", "wait_s",
)  # fmt: skip
CREDENTIALS = ("client_id", "client_secret", "api_key", "username", "password")
logger = logging.getLogger("fiftyone.diffgram")  # as FiftyOne's own, so that its level and form hold


def register(**parameters: Any) -> None:  # noqa: ANN401 # as FiftyOne's
    """Make the backend known to FiftyOne in this process, as 'diffgram'.

    A configuration file or the environment does so for all processes; see the guide.

    Args:
        parameters: what `annotate` has in common: directory='incoming', labels='create', …
    """
    fo.annotation_config.backends[NAME] = {"config_cls": f"{__name__}.DiffgramBackendConfig", **parameters}


class DiffgramBackendConfig(foua.AnnotationBackendConfig):  # type: ignore[misc] # FiftyOne ships no types
    """What an annotation run is sent with; FiftyOne stores it with the run, so it has no credentials.

    Attributes:
        directory: the directory on the server, by name or id.
        model: the model's name on every box; the label field's where left out.
        run: the run's name on every box; the annotation key where left out.
        images_root: the folder that names on the server are relative to; a name is the last part of the path without.
        options: push options, as in `Diffgram.push`.
    """

    def __init__(
        self,
        name: str | None,
        label_schema: Mapping[str, Any] | None,
        media_field: str = "filepath",
        *,
        directory: str | int | None = None,
        model: str | None = None,
        run: str | None = None,
        images_root: str | None = None,
        options: Mapping[str, Any] | None = None,
        **given: Any,  # noqa: ANN401 # push options and settings, checked here
    ) -> None:
        """See that all of it makes sense; no server is asked.

        Raises:
            ConfigError: credentials are among it, which belong into boxferry's own settings.
            UsageError: there is no option of a name, or a value cannot be.
        """
        super().__init__(name or NAME, label_schema, media_field=media_field)
        self._settings = {key: given.pop(key) for key in SETTINGS if key in given}
        for word, value in (("model", model), ("run", run), ("images_root", images_root)):
            check_type(word, value, str, NoneType)
        self.directory, self.model, self.run, self.images_root = directory, model, run, images_root
        self.options = {**(options or {}), **given}
        _check(self.options)
        self.push_options(())

    def load_credentials(self, **settings: Any) -> None:  # noqa: ANN401 # as FiftyOne's
        """Take the settings of this machine: those given, else those of FiftyOne's configuration.

        Raises:
            UsageError: there is no such setting.
        """
        for key in settings:
            if key not in SETTINGS:
                raise UsageError(
                    f"{key}: no such setting{did_you_mean(key, SETTINGS)}; there are {', '.join(SETTINGS)}"
                )
        configured = fo.annotation_config.backends.get(self.name, {})
        found = {key: settings.get(key) or configured.get(key) for key in SETTINGS}
        self._settings = {key: value for key, value in found.items() if value is not None}

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of this machine that were named; not stored."""
        return self._settings

    def push_options(self, attributes: Iterable[str]) -> PushOptions:
        """The push options, with the names of the attributes that are sent."""
        given = dict(self.options)
        policy = given.pop("attribute_policy", "skip")
        wish = AttributeWish(fields={name: name for name in attributes}, policy=policy)
        return given_options(None, {**given, "attributes": wish})

    def connected(self) -> Diffgram:
        """The project, by the settings of this machine.

        Raises:
            ConfigError: a setting is missing.
        """
        return Diffgram.from_env(**self._settings)


def _check(options: Mapping[str, Any]) -> None:
    """See that options are known, and hold nothing secret."""
    for name in options:
        if name in CREDENTIALS:
            raise ConfigError(
                f"{name}: FiftyOne would store it with the run; set DIFFGRAM_CLIENT_ID and DIFFGRAM_CLIENT_SECRET, or "
                "name a profile"
            )
        if name not in OPTIONS:
            known = (*SETTINGS, "directory", "model", "run", "images_root", *OPTIONS)
            raise UsageError(f"{name}: no such option{did_you_mean(name, known)}; there are {', '.join(known)}")
    url = str(options.get("media_url") or "")
    if shown(url) != url:
        raise UsageError(f"media_url {shown(url)}: has a password or a query, which FiftyOne would store with the run")


class DiffgramAnnotationAPI(foua.AnnotationAPI):  # type: ignore[misc] # likewise
    """The connection to the project.

    Attributes:
        diffgram: the project.
    """

    def __init__(self, diffgram: Diffgram) -> None:
        self.diffgram = diffgram

    def close(self) -> None:
        """Close the connections and the outbox."""
        self.diffgram.close()


class DiffgramBackend(foua.AnnotationBackend):  # type: ignore[misc] # likewise
    """Sends the boxes of one label field as a model's predictions, and fetches what people made of them."""

    supported_media_types = ["image"]  # noqa: RUF012 # FiftyOne's properties
    supported_label_types = ["detections"]  # noqa: RUF012 # likewise
    supported_scalar_types: list[type] = []  # noqa: RUF012 # likewise
    supported_attr_types = ["text", "select", "radio"]  # noqa: RUF012 # likewise
    supports_keyframes = False
    supports_video_sample_fields = False
    requires_label_schema = True

    def recommend_attr_tool(self, name: str, value: object) -> dict[str, Any]:  # noqa: ARG002 # as FiftyOne's
        """The server's attribute says of what kind it is."""
        return {"type": "text"}

    def requires_attr_values(self, attr_type: str) -> bool:  # noqa: ARG002 # as FiftyOne's
        """The server's attribute has its own choices."""
        return False

    def __exit__(self, *args: object) -> None:
        """Close the connection; the next call opens one."""
        super().__exit__(*args)
        self.use_api(None)

    def validate_run(self, samples: Any, key: str, overwrite: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002 # FiftyOne's
        """Free a key whose push was killed, so that the same call goes on."""
        begun = self._get_run_docs(samples).get(key)
        if begun and begun.config.get("method") == self.config.method and not begun.results:
            self.delete_run(samples, key, cleanup=False)
        super().validate_run(samples, key, overwrite=overwrite)

    def _connect_to_api(self) -> DiffgramAnnotationAPI:
        return DiffgramAnnotationAPI(self.config.connected())

    def upload_annotations(self, samples: Any, anno_key: str, launch_editor: bool = False) -> DiffgramResults:  # noqa: ANN401, FBT001, FBT002 # FiftyOne's
        """Send the images and boxes, and wait until the server has applied them.

        Where something fails the key is free again: the same call goes on, and sends what is missing.

        Raises:
            BoxferryError: something was not sent, or not applied as it should be.
        """
        try:
            results = self._sent(samples, anno_key)
        except BaseException:
            self.delete_run(samples, anno_key, cleanup=False)
            raise
        if launch_editor:
            results.launch_editor()
        return results

    def _sent(self, samples: Any, anno_key: str) -> DiffgramResults:  # noqa: ANN401 # likewise
        config, field, attributes = self.config, self._field(), self._attributes()
        if samples._is_frames:  # noqa: SLF001 # FiftyOne has no other way to know
            raise UsageError("a view of frames: videos are not annotated; export the frames as images of their own")
        if config.directory is None:
            raise UsageError("directory: name the directory on the server that the images go to")
        found = gathered(samples, field, media_field=config.media_field, root=config.images_root, attributes=attributes)
        config.model, config.run = config.model or field, config.run or anno_key
        diffgram, options = self.connect_to_api().diffgram, config.push_options(attributes)
        if options.labels == "create":
            classes = flat_classes(config.label_schema[field]["classes"])
            diffgram.sync_labels(classes, schema=options.schema, create=True)
        began = time.monotonic()
        result = diffgram.push(
            found.detections, directory=config.directory, model=config.model, run=config.run, options=options
        )
        since = diffgram.workspace.client.now() - (time.monotonic() - began)
        _tell_sent(result, found)
        if result.exit_code != StillProcessing.exit_code:
            result.raise_for_failures()
        self.update_run_config(samples, anno_key, config)
        ids = {sample: [each for same in places.values() for each in same] for sample, places in found.places.items()}
        return DiffgramResults(
            samples,
            config,
            anno_key,
            {field: ids},
            images=found.samples,
            sent=found.places,
            added={},
            place=place_of_run(result, since),
            backend=self,
        )

    def _field(self) -> str:
        fields = list(self.config.label_schema)
        if len(fields) != 1:
            raise UsageError(
                f"label_schema: has {len(fields)} fields ({', '.join(fields)}); annotate one at a time, each with a key"
                " of its own, since a box that people draw belongs to one field"
            )
        return str(fields[0])

    def _attributes(self) -> list[str]:
        info = self.config.label_schema[self._field()]
        groups = [each["attributes"] for each in info["classes"] if not isinstance(each, str)]
        return list(dict.fromkeys(name for group in [info["attributes"], *groups] for name in group))

    def download_annotations(self, results: DiffgramResults) -> dict[str, Any]:
        """The labels of the images that people have reviewed; all others stay as they are.

        Raises:
            BoxferryError: the settings name another project, or the server cannot be asked.
        """
        results.refresh()
        field, attributes, images = self._field(), self._attributes(), results.review()
        decisions = {sample: decided(file.judged, results.sent[sample]) for sample, file in images.reviewed.items()}
        drawn = {sample: results.ids_of(each.added, field) for sample, each in decisions.items()}
        own = labels_of(results.samples, field, decisions)
        found = {
            sample: corrected_labels(own, each, drawn[sample], images.reviewed[sample], attributes)
            for sample, each in decisions.items()
        }
        results.take(field, decisions, drawn)
        results.save()  # before FiftyOne changes the labels: a load that is broken off can be done again
        _tell_reviewed(images)
        return {field: {"detections": found}}


def _tell_sent(result: PushResult, found: Gathered) -> None:
    """What was sent, and each thing that was not with its reason."""
    logger.info("Diffgram: %d images, %s", len(found.samples), result.summary())
    if found.unnamed:
        logger.warning("%d labels without a class or a box are not sent, and stay as they are", found.unnamed)
    for code, count in result.tally.dropped.items():
        if code not in {*WANTED, Code.DUPLICATE}:  # a repeated label goes with the one that is sent
            logger.warning("%d labels are not sent, and stay as they are: %s", count, code)
    if result.exit_code == StillProcessing.exit_code:
        logger.warning("the server has not applied everything yet; load_annotations looks again")


def _tell_reviewed(images: ReviewedImages) -> None:
    everything = len(images.reviewed) + len(images.waiting) + len(images.overtaken)
    logger.info("%d of %d images are reviewed", len(images.reviewed), everything)
    if waiting := len(images.waiting):
        logger.warning("%d of %d images are not reviewed yet, and stay as they are", waiting, everything)
    if overtaken := len(images.overtaken):
        logger.warning("%d images stay as they are: a later push took away what people had left", overtaken)
