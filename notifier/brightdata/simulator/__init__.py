"""A simulated Bright Data on a real socket: snapshots with scripted lives, configurable faults, one seed for all."""

from notifier.brightdata.simulator.faults import Fault, parse_faults
from notifier.brightdata.simulator.life import Life, Step
from notifier.brightdata.simulator.serve import serve
from notifier.brightdata.simulator.server import Simulator

__all__ = ["Fault", "Life", "Simulator", "Step", "parse_faults", "serve"]
