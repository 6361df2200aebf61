"""trusthub hears rollouts and rollbacks, tells people the truth within seconds, and keeps count of what it promised."""

from pathlib import Path

__version__ = "0.1.0"

_HERE = Path(__file__).parent


def packaged(folder: str) -> Path:
    """Return a folder that travels with the package: inside an installed wheel, or beside it in a checkout."""
    inside = _HERE / folder
    return inside if inside.is_dir() else _HERE.parent / folder
