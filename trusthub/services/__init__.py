"""What the hub does. Services own the transactions; store functions never commit, domain functions never read."""
