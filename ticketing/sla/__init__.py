"""Service levels: until when somebody must have answered, come and finished, in the business time of a site."""
