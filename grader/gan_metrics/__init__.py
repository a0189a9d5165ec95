"""How good generated digits are, and what that is worth."""
