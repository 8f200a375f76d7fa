"""Heavy evidence, built twice behind one interface: numpy on the CPU, torch on a device."""
