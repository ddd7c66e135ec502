"""What `make test-deploy` stands on: real servers on free loopback ports, started from the files of deploy/."""
