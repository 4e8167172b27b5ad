"""What both services stand on; knows neither of them."""
