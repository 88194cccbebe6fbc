"""One file per stage; each class receives its clients in the constructor. Temporal owns every retry."""
