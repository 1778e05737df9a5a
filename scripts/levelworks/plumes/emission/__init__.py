"""From plumes to emission rates: winds, methods, errors, sites over time."""
