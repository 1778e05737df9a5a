"""What two or more product lines share, one idea a module."""
