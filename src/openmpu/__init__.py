"""openmpu: a self-hosted media processing unit for real-time channels."""

from openmpu.version import __version__

__all__ = ["__version__"]
