-- wrk sends this request: a body of 100 kB, which the application `upload` in bodies.py reads.
wrk.method = "POST"
wrk.body = string.rep("x", 100000)
