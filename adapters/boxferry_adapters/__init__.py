"""The formats that come with boxferry; each module is a plugin, found by the same entry points as a stranger's."""
