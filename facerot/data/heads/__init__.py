"""The embedded face set: rendered heads in `heads.zip`, and the generator that draws them."""
