"""What is asked: the contract, the networks and the theory of the homework."""
