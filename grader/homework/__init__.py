"""What is asked: the contract, the networks and the theory behind the homework."""
