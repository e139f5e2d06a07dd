"""Tables, pictures and the report, made from run folders and the paper's numbers; knows no model."""
