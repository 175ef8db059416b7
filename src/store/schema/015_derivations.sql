-- For the page of a derivation: what it needs, and how such builds went before.
CREATE INDEX build_input_of ON build_input (build);
CREATE INDEX build_alike ON build (pname, system, id);
