"""Where models already run: each module is for one framework, and imports it only when it is used."""
