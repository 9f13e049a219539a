"""The intake: upstream services in any language publish over HTTP. Start it with `audit-produce serve`."""
