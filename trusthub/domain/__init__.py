"""Pure decisions: no Flask, no SQL, no templates, no network, no clock. Whatever needs the time is handed `now`."""
