"""The process around the core: settings, composition, worker, courier, clock, gateways, command line."""
