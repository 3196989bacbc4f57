"""Where the cord is, which polarity it has, where it ends."""
