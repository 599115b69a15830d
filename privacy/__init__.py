"""Personal data as the law wants it: why it is kept, what one may see and have erased, and when it is let go."""
