"""What openmpu talks about: ids, layouts, rosters, scenes and task specs, as frozen values.

Pure: no sockets, no clock, no third-party imports. Knows neither the vendor's wire names nor pixels' contents.
"""
