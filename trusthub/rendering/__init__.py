"""From facts to words, and from words to what mail, Slack and pages can show."""
