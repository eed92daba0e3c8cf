"""The HTTP capture server: a bare ASGI application under uvicorn."""
