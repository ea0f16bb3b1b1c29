"""The web: pages, API and what other protocols mount. The table of all routes: docs/design/http.md."""
