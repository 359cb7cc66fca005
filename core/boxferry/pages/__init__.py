"""What all pages share: one stylesheet, the colours of labels, scripts, and the parts that pages are made of."""
