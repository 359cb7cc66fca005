"""What is done with runs apart from pushing: taking them up, comparing, mending, retiring, and the nightly round."""
