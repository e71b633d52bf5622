"""A double of Nomad's HTTP API that runs real processes and registers them in real Consul agents."""
