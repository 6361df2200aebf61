"""Following a cluster from wherever `trusthub watch kubernetes` runs: it lists, watches, and reports to the hub."""
