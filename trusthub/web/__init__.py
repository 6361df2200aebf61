"""HTTP: thin routes that read a request, call a service and render what it returns."""
