"""Results that are still in memory: one format for each framework, recognised by what its objects look like."""

from __future__ import annotations

from boxferry.formats import Format
from boxferry.hookspecs import registering
from boxferry_adapters.live import own
from boxferry_adapters.live.frameworks import FRAMEWORKS
from boxferry_adapters.live.read import reader, snapshotter, sniffer

boxferry_register_formats = registering(
    own.FORMAT,
    *(
        Format(
            name=f.name,
            summary=f"in memory: {f.looks_like}",
            sniff=sniffer(f),
            read=reader(f),
            snapshot=snapshotter(f),
            live=True,
        )
        for f in FRAMEWORKS
    ),
)
