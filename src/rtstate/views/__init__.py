"""Views: what people read off a conversation, as pure functions of a snapshot."""
