"""What is outside the process: files, chunk files, S3. One door for each library."""
