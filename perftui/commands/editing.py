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

    def delete(self, session_id: str) -> object:
        """Take a session off every list; what is answered brings it back."""
        from perftui.store.retention import delete_sessions

        return delete_sessions(self._writer, [session_id])

    def restore(self, deleted: object) -> None:
        """Bring back what :meth:`delete` took away, unless its entries have been removed since.

        Raises:
            NotFoundError, StoreError: it cannot be brought back.
        """
        from perftui.store.retention import DeletedSession, restore_sessions

        assert isinstance(deleted, list)
        restore_sessions(self._writer, [one for one in deleted if isinstance(one, DeletedSession)])

    def close(self) -> None:
        """Let go of the store."""
        self._writer.close_now()
