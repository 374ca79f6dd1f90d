"""Tables of the contract that the product reads; a test keeps them equal to the contract's own."""
