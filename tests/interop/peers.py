"""Which other tool a format's readings and writings are checked against: tests say so, the page shows it."""

CHECKED: dict[
    str, dict[str, set[str]]
] = {}  #: format → peer → 'reads' (its files are read), 'writes' (it reads ours), 'same'


def checked(peer, *formats, how=("reads",)):
    """Say that a test checks formats against a peer: its files are read, it reads ours, or both read the same file."""

    def noted(test):
        for name in formats:
            CHECKED.setdefault(name, {}).setdefault(peer, set()).update(how)
        return test

    return noted
