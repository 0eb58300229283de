"""The running node: sockets, real time, and the loops that feed the machines and carry out what they ask for."""
