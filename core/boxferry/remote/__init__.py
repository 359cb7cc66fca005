"""Sources on other machines: URLs that fsspec knows, such as s3://, gs://, az://, https://, hf:// and memory://."""
