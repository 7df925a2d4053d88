"""What the tests would notice: parts of the package are taken out, and tests have to fail."""
