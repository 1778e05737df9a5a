"""Where the page of a campaign and its data stand, below the results folder."""

PAGE, JSON, DATA = "status.html", "status.json", "status_data"
