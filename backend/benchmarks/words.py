"""What people in the made-up company are called, and what they buy."""

from expenses.tickets.models import Category

FIRST_NAMES = (
    "Ada Alan Amara Anil Anna Beatriz Carlos Chen Chidi Clara Dana Diego Elena Emeka Emma Farid "
    "Fatima Grace Hana Hiro Ines Ivan Jonas Julia Kenji Kofi Lars Leila Lina Lucia Luis Mara Mateo "
    "Mei Mina Nadia Niall Noor Olga Omar Oskar Paula Pedro Petra Priya Quentin Rania Ravi Rosa "
    "Samir Sara Sofia Stefan Tariq Tomas Uma Vera Viktor Wanda Wei Yara Yusuf Zoe Zuri"
).split()
LAST_NAMES = (
    "Abe Adeyemi Almeida Andersson Bauer Becker Bianchi Braun Castillo Chandra Cohen Costa Dahl "
    "Diaz Dubois Eriksen Farouk Fernandez Fischer Fontaine Gao Garcia Ghosh Haas Haddad Hansen "
    "Horvat Huang Ibrahim Ito Jansen Jensen Kaplan Kato Khan Kim Kovacs Kowalski Kumar Larsen Lee "
    "Lehmann Li Lindgren Lopez Marino Mensah Meyer Moreau Mori Murphy Nakamura Ndiaye Novak Nwosu "
    "Okafor Oliveira Olsen Park Patel Pereira Petrov Popescu Quinn Rahman Ramos Reyes Ricci Rossi "
    "Sato Schmidt Schneider Sharma Silva Singh Smirnov Suzuki Tanaka Torres Traore Tran Vargas "
    "Vogel Wagner Walsh Wang Weber Wolf Wu Yamada Yilmaz Zhang Zhao Zimmermann"
).split()
PLACES = (
    "Amsterdam Athens Barcelona Berlin Bogota Boston Brussels Chicago Copenhagen Denver Dublin "
    "Geneva Hamburg Helsinki Istanbul Kyoto Lagos Lisbon London Lyon Madrid Milan Montreal Munich "
    "Nairobi Osaka Oslo Paris Porto Prague Rome Rotterdam Seattle Seoul Shanghai Singapore "
    "Stockholm Toronto Vienna Zurich"
).split()
CUSTOMERS = (
    "Adatum AlpineSki Bellows Blueyonder Coho Fabrikam Fourth Graphic Humongous Lamna Litware "
    "Lucerne Margie Munson Nod Northwind Proseware Relecloud Southridge Tailspin Trey "
    "VanArsdel Wingtip Woodgrove"
).split()

THINGS: dict[Category, tuple[str, ...]] = {
    Category.TRAVEL: (
        "Taxi to the airport in {place}",
        "Train to {place} and back",
        "Flight to {place}",
        "Car for two days in {place}",
        "Parking in {place}",
        "Day ticket for the metro in {place}",
        "Ferry and bus to {place}",
        "Fuel for the drive to {place}",
    ),
    Category.LODGING: (
        "Two nights at a hotel in {place}",
        "Hotel near the station in {place}",
        "Room for one night in {place}",
        "Apartment for a week in {place}",
    ),
    Category.MEALS: (
        "Lunch in {place}",
        "Dinner with six people in {place}",
        "Coffee and sandwiches in {place}",
        "Breakfast on the way to {place}",
        "Team lunch after the trip to {place}",
    ),
    Category.EQUIPMENT: (
        "Second screen for the desk in {place}",
        "Headset and keyboard, sent to {place}",
        "Docking station for the office in {place}",
        "Standing desk for the office in {place}",
    ),
    Category.SOFTWARE: (
        "Licence for a drawing program, office {place}",
        "A year of translation software, office {place}",
        "Hosting of the test servers in {place}",
    ),
    Category.TRAINING: (
        "Course on statistics in {place}",
        "Conference pass, {place}",
        "Books for the reading group in {place}",
    ),
    Category.OTHER: (
        "Flowers for the reception in {place}",
        "Printing and binding in {place}",
        "Postage from {place}",
        "Phone card for {place}",
    ),
}
PURPOSES = (
    "for the visit at {customer}",
    "for the workshop with {customer}",
    "for the {customer} contract",
    "before the review with {customer}",
    "after the launch at {customer}",
    "for the kick-off with {customer}",
    "for the support team of {customer}",
    "for the trade fair with {customer}",
)
DENIALS = (
    "The receipt cannot be read",
    "Not a business trip",
    "Above the limit for one night; please talk to your employer",
    "This was filed twice",
    "The receipt is missing",
    "Alcohol is not covered",
)
NOTES = ("Agreed on the phone", "Part of the project's budget", "Next time by train, please")

# About one ticket in thirty has this word, and as many as FEW_TICKETS, however large the company
# is, have the other one. Nobody has the last one.
COMMON_WORD = "Taxi"
RARE_WORD = "Halcyon"
MISSING_WORD = "zeppelin"
FEW_TICKETS = 200
