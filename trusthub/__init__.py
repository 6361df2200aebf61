"""trusthub hears rollouts and rollbacks, tells people the truth within seconds, and keeps count of what it promised."""

__version__ = "0.1.0"
