"""What renames, pins and deletes sessions for the app."""

from __future__ import annotations

from perftui.commands.context import Context


class StoreEditor:
    """A :class:`perftui.screens.registry.Editor` over the store's writer; beside a capture server
    it waits for its turn."""

    def __init__(self, context: Context) -> None:
        from perftui.store.writer import StoreWriter

        self._writer = StoreWriter(context.store_path, settings=context.settings.store)

    def rename(self, session_id: str, label: str | None) -> None:
        """Give a session a name, or take it away."""
        self._writer.set_label(session_id, label)

    def pin(self, session_id: str, pinned: bool) -> None:
        """Keep a session from being pruned, or let it go."""
        self._writer.set_pinned(session_id, pinned)

    def delete(self, session_id: str) -> None:
        """Remove a session and its entries for good."""
        from perftui.store.retention import delete_sessions

        delete_sessions(self._writer, [session_id])

    def close(self) -> None:
        """Let go of the store."""
        self._writer.close_now()
