"""What every test shares. Pages have their own fixtures in browser/conftest.py."""

import hypothesis

pytest_plugins = ["tests.postgres"]

# A busy CI machine is slow now and then, which says nothing about the code.
hypothesis.settings.register_profile("trusthub", deadline=None)
hypothesis.settings.load_profile("trusthub")
