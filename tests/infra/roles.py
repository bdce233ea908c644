"""Names of the built-in roles that are assigned, by their ids."""

ROLES = {
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "09976791-48a7-449e-bb21-39d1a415f350": "Communication and Email Service Owner",
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "19e7f393-937e-4f77-808e-94535e297925": "Storage Queue Data Reader",
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": "Storage Queue Data Message Sender",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "76199698-9eea-4c19-bc75-cec21354c6b6": "Storage Table Data Reader",
    "de139f84-1756-47ae-9be6-808fbbe84772": "Website Contributor",
}
OPERATORS, READERS, DEPLOYERS = (f"00000000-0000-0000-0000-0000000000a{number}" for number in (1, 2, 3))
GROUPS = {OPERATORS: "operators", READERS: "readers", DEPLOYERS: "deployers"}
