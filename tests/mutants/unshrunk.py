"""A plugin of pytest: that a property fails is enough, the smallest example and its explanation are not looked for."""

from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile("unshrunk")
