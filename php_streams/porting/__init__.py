"""Tools for people who port PHP programs: run php-cli, play a scripted peer, compare the two twins."""
