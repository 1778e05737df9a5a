"""Pictures and pages of scenes and plumes."""
